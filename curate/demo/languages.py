"""Short original sentences in four languages, from which the demo's documents in rare languages are put together."""

import numpy as np

SENTENCES: dict[str, tuple[str, ...]] = {
    "de": (
        "Der alte Bäcker öffnet seinen kleinen Laden jeden Morgen, lange bevor die Sonne über dem Tal aufgeht.",
        "Im Winter trägt meine Nachbarin Holz in die Küche und erzählt dabei Geschichten aus ihrer Kindheit.",
        "Die Brücke über den Fluss wurde nach dem Hochwasser aus den Steinen des alten Klosters wieder aufgebaut.",
        "Wer die Uhr am Rathaus reparieren will, muss zuerst die schmale Treppe hinter der Orgel finden.",
        "An Markttagen verkaufen zwei Schwestern Birnen, Honig und selbst gebundene Besen neben dem Brunnen.",
        "Der Lehrer ließ die Kinder Wolken zeichnen und fragte sie danach, wohin der Wind sie tragen werde.",
        "Auf dem Dachboden lag ein Koffer voller Briefe, deren Tinte mit den Jahren fast verblasst war.",
        "Sobald der Nebel sich hebt, hört man vom Hang her die Glocken der Ziegen und das Rufen des Hirten.",
        "Mein Großvater baute Geigen, doch spielen wollte er nur, wenn niemand im Haus ihm dabei zuhörte.",
        "Das kleine Museum zeigt Werkzeuge der Schuster, alte Landkarten und ein Modell der ersten Eisenbahn.",
        "Nach dem Regen riecht der Wald nach Pilzen, und die Wege werden weich wie ein frisch gepflügtes Feld.",
        "Die Ärztin fährt mit dem Fahrrad zu ihren Kranken, weil die Straße zum oberen Dorf noch gesperrt ist.",
        "Im Herbst treffen sich alle Familien, um Apfelsaft zu pressen und über das vergangene Jahr zu reden.",
        "Niemand weiß genau, warum der Turm schief steht, aber jeder im Ort hat dafür eine eigene Erklärung.",
        "Am Abend sitzen die Fischer vor ihren Hütten, flicken die Netze und schweigen zufrieden miteinander.",
        "Der Bibliothekar schenkte dem Mädchen ein Wörterbuch, das sie später auf jede ihrer Reisen mitnahm.",
    ),
    "fi": (
        "Vanha majakanvartija sytytti lampun joka ilta ja kirjoitti tuulen suunnan siniseen vihkoonsa.",
        "Kesällä lapset soutavat saareen poimimaan mustikoita ja palaavat kotiin vasta auringon laskiessa.",
        "Kylän ainoa kauppa sulkeutui keväällä, joten naapurit ostavat nyt jauhonsa yhdessä kaupungista.",
        "Isoäiti neuloi villasukkia takan ääressä ja lauloi hiljaa lauluja, joita kukaan muu ei enää muistanut.",
        "Jää peitti järven niin nopeasti, että veneet jäivät rantaan ja verkot jouduttiin jättämään veteen.",
        "Opettaja vei luokan metsään kuuntelemaan lintuja ja pyysi jokaista kuvailemaan kuulemansa äänen.",
        "Tie tunturin yli on suljettu lumen vuoksi, mutta posti kulkee silti koirien vetämällä reellä.",
        "Puuseppä korjasi kirkon oven vanhoilla työkaluilla, jotka hän oli perinyt omalta isältään.",
        "Saunan jälkeen istuimme laiturilla, joimme kylmää kaljaa ja puhuimme tulevasta heinänteosta.",
        "Kirjaston takahuoneesta löytyi kartta, johon joku oli merkinnyt punaisella kadonneen torpan paikan.",
        "Syksyllä kurjet lentävät peltojen yli niin matalalla, että niiden siipien suhina kuuluu pihalle.",
        "Nuori säveltäjä nauhoitti sahan ja vasaran ääniä ja teki niistä musiikkia kylän juhlaan.",
        "Kalastaja tunsi jokaisen karin nimeltä, vaikka ei ollut koskaan nähnyt niistä piirrettyä karttaa.",
        "Myrskyn jälkeen koko kylä kokoontui raivaamaan kaatuneita puita ja keittämään soppaa suuressa padassa.",
        "Tytär palasi ulkomailta ja perusti vanhaan meijeriin pienen pajan, jossa valmistetaan soittimia.",
        "Pitkän talven aikana hevoset pysyivät tallissa, ja niiden hengitys höyrysi hämärässä lampun valossa.",
    ),
    "eo": (
        "La maljuna ĝardenisto plantis pomarbojn laŭlonge de la vojo, por ke ankaŭ fremduloj povu manĝi.",
        "Ĉiun sabaton la najbaroj kunvenas en la malgranda salono kaj laŭtlegas leterojn el foraj landoj.",
        "Mia onklino lernis ripari horloĝojn, kiam ŝi estis juna, kaj neniu en la urbo estas pli lerta.",
        "Post la ŝtormo la infanoj trovis sur la strando botelon kun desegnaĵo de nekonata insulo.",
        "La trajno haltis meze de la kampoj, kaj la vojaĝantoj eliris por rigardi la stelojn kune.",
        "En la kelo de la lernejo kuŝas maŝino, per kiu oni iam presis la unuan gazeton de la vilaĝo.",
        "La kuiristino aldonis iom da citrono kaj diris, ke la sekreto de bona supo estas pacienco.",
        "Kiam la rivero frostas, la poŝtisto glitas de domo al domo kaj alportas novaĵojn kun rideto.",
        "Du fratoj konstruis ventomuelejon el malnovaj tabuloj kaj nun donas lumon al la tuta strato.",
        "La instruisto petis, ke ĉiu lernanto rakontu pri sonĝo, sed li mem ne kuraĝis komenci.",
        "Sub la ponto loĝas familio de lutroj, kiun la fiŝkaptistoj konas kaj neniam ĝenas dum la printempo.",
        "La bibliotekisto kolektas vortojn, kiujn homoj forgesis, kaj skribas ilin sur etajn verdajn kartojn.",
        "Antaŭ la festo la virinoj teksas longajn rubandojn, kies koloroj montras la jaron de ilia naskiĝo.",
        "La maristo revenis kun papago, kiu parolis tri lingvojn, sed neniam diris ion utilan.",
        "Ni grimpis ĝis la malnova fortikaĵo kaj aŭdis de tie la sonorilojn de sep malsamaj preĝejoj.",
        "Vespere la blinda violonisto ludas apud la fontano, kaj eĉ la hundoj silentas por aŭskulti lin.",
    ),
    "sw": (
        "Mzee wa kijiji aliamka mapema kila siku ili kumwagilia miche ya miembe kando ya barabara.",
        "Watoto walikimbia hadi ufukweni kuwasaidia wavuvi kuvuta nyavu zilizojaa samaki wadogo wa fedha.",
        "Bibi yangu hupika wali kwa nazi na kutusimulia hadithi za sungura na fisi wakati wa jioni.",
        "Mvua ilinyesha usiku kucha, kwa hiyo daraja la mbao lilibebwa na maji hadi shamba la jirani.",
        "Fundi wa saa ana duka dogo sokoni, na watu husafiri kutoka mbali ili kumletea saa zao za zamani.",
        "Mwalimu aliwaomba wanafunzi wachore ramani ya kijiji chao na kuandika jina la kila mti mkubwa.",
        "Siku ya sikukuu wanawake huvaa kanga mpya na kuimba nyimbo walizofundishwa na mama zao.",
        "Daktari huja mara mbili kwa mwezi kwa mashua, na wagonjwa humsubiri chini ya mbuyu.",
        "Kaka yangu alijenga redio kutoka vipande vya zamani na sasa anasikiliza habari za dunia nzima.",
        "Wafugaji huhama na ng'ombe wao wakati wa kiangazi wakitafuta majani mabichi karibu na mto.",
        "Katika maktaba ya shule kuna kitabu kimoja tu cha nyota, nacho kimesomwa na kila mtoto.",
        "Mchongaji alichagua kipande cha mpingo na kufanya kazi kimya kimya kwa majuma matatu mfululizo.",
        "Baada ya mavuno majirani hukusanyika kupura mahindi na kupanga jinsi ya kugawana mbegu bora.",
        "Msafiri alipoteza njia msituni lakini ndege wa asali alimwongoza hadi kwenye kambi ya wawindaji.",
        "Upepo wa kusini huleta majahazi kutoka visiwani, yakiwa yamebeba karafuu, chumvi na mikeka.",
        "Jioni wazee hucheza bao mbele ya duka la chai na kubishana kwa utani kuhusu siasa.",
    ),
}

_SENTENCES_PER_DOCUMENT = 6
_MOST_SHARED = 3  # half of a document: Jaccard similarity stays near 1/3, far from a near-duplicate's


def rare_language_documents(seed: int, per_language: int = 6) -> list[tuple[str, str]]:
    """Documents of six sentences in shuffled order, no two of which share more than three sentences.

    Args:
        seed: seed of the choice and order of sentences.
        per_language: documents in each of the four languages, at most 8.

    Returns:
        (text, ISO 639-1 code) pairs.
    """
    rng = np.random.default_rng(seed)
    documents = []
    for language, sentences in SENTENCES.items():
        chosen: list[set[int]] = []
        while len(chosen) < per_language:
            order = [int(i) for i in rng.permutation(len(sentences))[:_SENTENCES_PER_DOCUMENT]]
            if all(len(other.intersection(order)) <= _MOST_SHARED for other in chosen):
                chosen.append(set(order))
                documents.append((" ".join(sentences[i] for i in order), language))
    return documents
